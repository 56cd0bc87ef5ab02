//! What a transaction reads into its working set: the queues of some memberships, and what hangs on them.
//! Knows nothing of what is decided.
