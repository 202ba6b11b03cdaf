//! Who was hit.

use super::stacktrace::push_other;
use super::{Notes, Text};
use crate::json::{Malformed, Object, Reader, Writer};

/// The person or account an event happened to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct User<'a> {
    /// The program's own id.
    pub id: Option<Text<'a>>,
    /// The login name.
    pub username: Option<Text<'a>>,
    /// The address.
    pub email: Option<Text<'a>>,
    /// The IP address, or `{{auto}}` for the one the event came from.
    pub ip_address: Option<Text<'a>>,
    /// Name, place, segment and whatever else the client knows.
    pub other: Object<'a>,
}

impl<'a> User<'a> {
    pub(super) fn read(
        reader: &mut Reader<'a>,
        notes: &mut Notes<'a>,
    ) -> Result<Option<Self>, Malformed> {
        use crate::json::Kind;
        if reader.peek()? != Kind::Object {
            let value = reader.value()?;
            if !value.is_null() {
                notes.invalid("user", value);
            }
            return Ok(None);
        }
        notes.enter("user");
        let mut user = Self::default();
        reader.object(|reader, key| {
            match key.as_ref() {
                "id" => user.id = notes.text(reader, "id")?,
                "username" => user.username = notes.text(reader, "username")?,
                "email" => user.email = notes.text(reader, "email")?,
                "ip_address" => user.ip_address = notes.text(reader, "ip_address")?,
                _ => push_other(&mut user.other, key, reader.value()?)?,
            }
            Ok(())
        })?;
        notes.leave();
        Ok(Some(user).filter(|user| !user.is_empty()))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.begin_object();
        super::write_text(writer, "id", &self.id);
        super::write_text(writer, "username", &self.username);
        super::write_text(writer, "email", &self.email);
        super::write_text(writer, "ip_address", &self.ip_address);
        super::write_members(writer, &self.other);
        writer.end_object();
    }
}
