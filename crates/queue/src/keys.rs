//! Every key in Redis.

/// Names of keys, all behind one prefix. Their hash tags keep what belongs together in one slot of a
/// cluster.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys behind `prefix`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// A stream: tickets of rows that were just written to the inbox.
    pub(crate) fn inbox_hints(&self) -> String {
        format!("{}{{hints}}:inbox", self.prefix)
    }

    /// A stream: a job was made.
    pub(crate) fn job_hints(&self) -> String {
        format!("{}{{hints}}:jobs", self.prefix)
    }

    /// A text that lives for a moment: whether Redis takes writes.
    pub(crate) fn probe(&self) -> String {
        format!("{}probe", self.prefix)
    }

    /// A stream: envelopes taken while PostgreSQL was away.
    pub(crate) fn overflow(&self) -> String {
        format!("{}{{overflow}}:envelopes", self.prefix)
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new("mishap:")
    }
}
