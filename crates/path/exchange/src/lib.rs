//! A token becomes the first AWS session: AssumeRoleWithWebIdentity with the AWS SDK.
