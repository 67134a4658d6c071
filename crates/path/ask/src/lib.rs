//! What a workload asks for: connections, their role and hops, and who it is when it asks. Pure.
