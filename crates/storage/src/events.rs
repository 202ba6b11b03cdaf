//! Events: recording them, finding them again.

mod find;
pub mod record;

pub use self::find::{
    EventRow, Neighbours, by_id_in_issue, by_id_in_project, hashes, latest, neighbours, oldest,
};
