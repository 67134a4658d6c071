//! The words of AWS: ARNs, accounts, partitions, regions and STS endpoints. Pure.
