//! Pages and mails, typed, and the files they need.
