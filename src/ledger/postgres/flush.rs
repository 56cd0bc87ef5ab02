//! What a transaction writes: the differences of its working set, table by table.
//! Knows nothing of what is decided.
