//! Role chains: planned as data before the first network call, then walked hop by hop.
