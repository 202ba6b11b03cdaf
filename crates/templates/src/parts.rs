//! What pages are made of.

mod badge;
mod code;
mod danger;
mod empty;
mod field;
mod figures;
mod form;
mod glyph;
mod table;

pub use self::badge::{Badge, Level};
pub use self::code::{QrCode, Secret};
pub use self::danger::{Danger, DangerZone};
pub use self::empty::EmptyState;
pub use self::field::{Choice, Field, FieldKind};
pub use self::figures::{bytes, number};
pub use self::form::{ActionForm, ButtonKind, Form, LinkButton, Problems};
pub use self::table::{Cell, Column, Fact, Pager, Row, Table};

pub(crate) use self::badge::notice;
pub(crate) use self::code::{copy_button, secret_block};
pub(crate) use self::figures::{duration, relative};
pub(crate) use self::form::{problem, search_form};
pub(crate) use self::glyph::Glyph;
pub(crate) use self::table::facts;
