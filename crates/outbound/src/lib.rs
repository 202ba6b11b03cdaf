//! Says things to the world: mail, and the one guarded HTTP client.
