//! What all replicas share beside the record: token buckets, and whether calls are made at all.
//! Knows nothing of what is decided.
