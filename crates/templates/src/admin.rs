//! The administrator's pages: a few kinds, filled with data by whoever answers.

mod audit;
mod config;
mod detail;
mod form;
mod list;
mod status;

pub use self::audit::{AuditEntry, AuditPage, Change};
pub use self::config::{ConfigPage, Setting, SettingGroup, SettingSource, SettingValue};
pub use self::detail::{DetailPage, Section, SectionBody, Tab};
pub use self::form::FormPage;
pub use self::list::{ListPage, Search};
pub use self::status::{
    Backlog, DeliveryChannel, Health, JobQueue, PartitionedTable, StatusPage, TableSize,
};
