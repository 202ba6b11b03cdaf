//! One letter, written twice: as text and as HTML.

use maud::{DOCTYPE, Markup, html};
use mishap_core::text::ellipsized;

use super::{MailLink, RenderedMail};

/// A letter.
pub(super) struct Letter<'m> {
    pub(super) subject: String,
    pub(super) lines: Vec<Line<'m>>,
}

/// A paragraph.
pub(super) enum Line<'m> {
    Text(String),
    /// What can be done, and how.
    Action(&'static str, &'m MailLink),
}

impl Line<'_> {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn as_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Action(_, link) => link.reveal().to_owned(),
        }
    }

    fn as_html(&self) -> Markup {
        match self {
            Self::Text(text) => html! { p style=(PARAGRAPH) { (text) } },
            Self::Action(label, link) => html! {
                p style=(PARAGRAPH) { a href=(link.reveal()) style=(BUTTON) { (label) } }
                p style=(SMALL) {
                    "Or open this address: "
                    a href=(link.reveal()) style=(PLAIN_LINK) { (link.reveal()) }
                }
            },
        }
    }
}

// Mail programs know no style sheets, and many no dark mode: colours that are readable on either.
const BODY: &str = "margin:0;padding:24px 12px;background:#f6f7f9;color:#171a21;\
    font:15px/23px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";
const CARD: &str = "max-width:520px;margin:0 auto;padding:28px 28px 12px;background:#ffffff;\
    border:1px solid #e4e7ec;border-radius:10px";
const NAME: &str = "margin:0 0 20px;font-size:15px;font-weight:600;color:#565d6b";
const PARAGRAPH: &str = "margin:0 0 16px;overflow-wrap:anywhere";
const BUTTON: &str = "display:inline-block;padding:9px 16px;border-radius:6px;background:#1a56c4;\
    color:#ffffff;font-weight:600;text-decoration:none";
const SMALL: &str =
    "margin:0 0 16px;font-size:12px;line-height:18px;color:#565d6b;overflow-wrap:anywhere";
const PLAIN_LINK: &str = "color:#1a56c4";
const FOOT: &str = "max-width:520px;margin:16px auto 0;font-size:12px;line-height:18px;color:#565d6b;\
    text-align:center";

impl Letter<'_> {
    pub(super) fn render(&self, site: &str, home: &MailLink) -> RenderedMail {
        let subject = ellipsized(&self.subject, 160).into_owned();
        let paragraphs: Vec<String> = self.lines.iter().map(Line::as_text).collect();
        let text = format!("{}\n\n-- \n{site}\n{}\n", paragraphs.join("\n\n"), home.reveal());
        let html = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light";
                    title { (subject) }
                }
                body style=(BODY) {
                    div style=(CARD) {
                        p style=(NAME) { (site) }
                        @for line in &self.lines { (line.as_html()) }
                    }
                    p style=(FOOT) {
                        "Sent by " a href=(home.reveal()) style=(PLAIN_LINK) { (site) }
                    }
                }
            }
        };
        RenderedMail { subject, text, html: html.into_string() }
    }
}
