//! Sends a mail.

use anyhow::Context as _;
use mishap_outbound::mail::{Letter, SendError};
use mishap_templates::mail::{Addressed, RenderedMail};

use super::{JobContext, JobError};

pub(super) async fn run(context: &JobContext, payload: &serde_json::Value) -> Result<(), JobError> {
    // A mail of a newer version is for a newer worker, which may come within the attempts.
    let Addressed { to, mail } =
        serde_json::from_value(payload.clone()).context("this version cannot read the mail")?;
    let RenderedMail { subject, text, html } = mail.render(&context.mail.sender);
    let letter = Letter { subject, text, html: Some(html) };
    context.mail.mailer.send(&letter, &to).await.map_err(|error| match error {
        SendError::GiveUp(_) => JobError::GiveUp(error.into()),
        // A wrong setting is mended while the job waits.
        SendError::Retry(_) | SendError::Reconfigure(_) => JobError::Retry(error.into()),
    })
}
