//! A transaction from its beginning to its commit; one whose commit got no answer is looked up, not guessed.
//! Knows nothing of what is decided.
