//! Stack traces and their frames.

use super::{Notes, Text};
use crate::json::{Json, Malformed, Object, Reader, Writer};

/// A stack trace keeps its innermost frames, at most this many (Relay).
pub const MAX_FRAMES: usize = 250;

/// Calls in progress, the oldest first; the innermost one is last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stacktrace<'a> {
    /// The calls.
    pub frames: Vec<Frame<'a>>,
    /// Registers, language, snapshot flag and the like.
    pub other: Object<'a>,
}

/// One call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame<'a> {
    /// The file, relative if the SDK could make it so.
    pub filename: Option<Text<'a>>,
    /// The file's full path or URL.
    pub abs_path: Option<Text<'a>>,
    /// The function, as a person reads it.
    pub function: Option<Text<'a>>,
    /// The function before the SDK shortened it.
    pub raw_function: Option<Text<'a>>,
    /// The module or class.
    pub module: Option<Text<'a>>,
    /// The binary or package.
    pub package: Option<Text<'a>>,
    /// The frame's own platform, where traces mix several.
    pub platform: Option<Text<'a>>,
    /// The line, from 1.
    pub lineno: Option<u64>,
    /// The column, from 1.
    pub colno: Option<u64>,
    /// The line's text.
    pub context_line: Option<Text<'a>>,
    /// The lines before.
    pub pre_context: Vec<Text<'a>>,
    /// The lines after.
    pub post_context: Vec<Text<'a>>,
    /// Whether the call is in the program's own code.
    pub in_app: Option<bool>,
    /// Local variables.
    pub vars: Object<'a>,
    /// Addresses, symbols and the like.
    pub other: Object<'a>,
}

impl<'a> Stacktrace<'a> {
    /// Reads a stack trace; nothing for null, for what is no object, and for one without content.
    pub(super) fn read(
        reader: &mut Reader<'a>,
        notes: &mut Notes<'a>,
    ) -> Result<Option<Self>, Malformed> {
        use crate::json::Kind;
        let mut trace = Self::default();
        if reader.peek()? != Kind::Object {
            let value = reader.value()?;
            if !value.is_null() {
                notes.invalid_here(value);
            }
            return Ok(None);
        }
        reader.object(|reader, key| {
            if key != "frames" {
                return push_other(&mut trace.other, key, reader.value()?);
            }
            notes.enter("frames");
            let mut place = 0;
            if reader.peek()? == Kind::Array {
                trace.frames.clear();
                reader.array(|reader| {
                    notes.enter_index(place);
                    place += 1;
                    trace.frames.extend(Frame::read(reader, notes)?);
                    notes.leave();
                    Ok(())
                })?;
            } else {
                let value = reader.value()?;
                if !value.is_null() && value != Json::Object(Vec::new()) {
                    notes.invalid_here(value);
                }
            }
            notes.leave();
            Ok(())
        })?;
        let excess = trace.frames.len().saturating_sub(MAX_FRAMES);
        trace.frames.drain(..excess);
        let is_empty = trace.frames.is_empty() && trace.other.is_empty();
        Ok(if is_empty { None } else { Some(trace) })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.begin_object();
        writer.key("frames");
        writer.begin_array();
        for frame in &self.frames {
            frame.write(writer);
        }
        writer.end_array();
        super::write_members(writer, &self.other);
        writer.end_object();
    }
}

impl<'a> Frame<'a> {
    fn read(reader: &mut Reader<'a>, notes: &mut Notes<'a>) -> Result<Option<Self>, Malformed> {
        use crate::json::Kind;
        if reader.peek()? != Kind::Object {
            let value = reader.value()?;
            if !value.is_null() {
                notes.invalid_here(value);
            }
            return Ok(None);
        }
        let mut frame = Self::default();
        reader.object(|reader, key| {
            match key.as_ref() {
                "filename" => frame.filename = notes.text(reader, "filename")?,
                "abs_path" => frame.abs_path = notes.text(reader, "abs_path")?,
                "function" => frame.function = notes.text(reader, "function")?,
                "raw_function" => frame.raw_function = notes.text(reader, "raw_function")?,
                "module" => frame.module = notes.text(reader, "module")?,
                "package" => frame.package = notes.text(reader, "package")?,
                "platform" => frame.platform = notes.text(reader, "platform")?,
                "lineno" => frame.lineno = notes.count(reader, "lineno")?,
                "colno" => frame.colno = notes.count(reader, "colno")?,
                "context_line" => frame.context_line = notes.text(reader, "context_line")?,
                "pre_context" => frame.pre_context = notes.lines(reader, "pre_context")?,
                "post_context" => frame.post_context = notes.lines(reader, "post_context")?,
                "in_app" => frame.in_app = notes.bool(reader, "in_app")?,
                "vars" => frame.vars = notes.map(reader, "vars")?,
                _ => push_other(&mut frame.other, key, reader.value()?)?,
            }
            Ok(())
        })?;
        Ok(Some(frame))
    }

    fn write(&self, writer: &mut Writer) {
        let Self {
            filename,
            abs_path,
            function,
            raw_function,
            module,
            package,
            platform,
            lineno,
            colno,
            context_line,
            pre_context,
            post_context,
            in_app,
            vars,
            other,
        } = self;
        writer.begin_object();
        for (key, text) in [
            ("filename", filename),
            ("abs_path", abs_path),
            ("function", function),
            ("raw_function", raw_function),
            ("module", module),
            ("package", package),
            ("platform", platform),
        ] {
            super::write_text(writer, key, text);
        }
        for (key, number) in [("lineno", lineno), ("colno", colno)] {
            if let Some(number) = number {
                writer.key(key);
                writer.raw(&number.to_string());
            }
        }
        write_lines(writer, "pre_context", pre_context);
        super::write_text(writer, "context_line", context_line);
        write_lines(writer, "post_context", post_context);
        if let Some(in_app) = in_app {
            writer.key("in_app");
            writer.bool(*in_app);
        }
        super::write_object(writer, "vars", vars);
        super::write_members(writer, other);
        writer.end_object();
    }
}

fn write_lines(writer: &mut Writer, key: &str, lines: &[Text<'_>]) {
    if lines.is_empty() {
        return;
    }
    writer.key(key);
    writer.begin_array();
    for line in lines {
        writer.string(line);
    }
    writer.end_array();
}

/// Members without a field of their own that one object keeps at most: each further one is compared
/// with all of them.
const MAX_OTHER: usize = 128;

/// Keeps a member that has no field of its own; nulls are not worth keeping.
pub(super) fn push_other<'a>(
    other: &mut Object<'a>,
    key: Text<'a>,
    value: Json<'a>,
) -> Result<(), Malformed> {
    if !value.is_null() {
        other.retain(|(name, _)| *name != key);
        if other.len() < MAX_OTHER {
            other.push((key, value));
        }
    }
    Ok(())
}
