//! Credentials in the form a workload reads: text formats, token file, container endpoint, child process.
