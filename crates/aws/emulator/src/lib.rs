//! An emulated AWS account: STS and IAM that fetch, verify and decide for real, in AWS's wire format.
