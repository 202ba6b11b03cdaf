//! Trains compression dictionaries for projects whose events would become smaller by one.

use std::sync::Arc;

use chrono::Days;
use mishap_core::id::{DictionaryId, ProjectId};
use mishap_storage::bodies::{self, Dictionary, Packer};
use mishap_storage::{Conn, now};

use super::JobContext;

/// Projects trained in one run at most.
const PROJECTS: i64 = 5;

/// Events that a project must have had lately.
const MIN_EVENTS: i64 = 1000;

/// After so many days another dictionary is tried.
const DAYS: i32 = 7;

/// Samples of one project at most.
const SAMPLES: i64 = 600;

/// Bytes of all samples of one project at most.
const SAMPLE_BYTES: usize = 8 << 20;

/// One in so many samples is kept back to try the dictionary on.
const KEPT_BACK: usize = 5;

/// A new dictionary must leave less than this share of what there was, in percent.
const GOOD_ENOUGH: u64 = 85;

pub(super) async fn run(context: &JobContext) -> anyhow::Result<()> {
    let mut conn = context.pool.get().await?;
    let candidates = bodies::projects_to_train(&mut conn, DAYS, MIN_EVENTS, PROJECTS).await?;
    for (project, current) in candidates {
        train(&mut conn, project, current).await?;
    }
    Ok(())
}

async fn train(
    conn: &mut Conn,
    project: ProjectId,
    current: Option<DictionaryId>,
) -> anyhow::Result<()> {
    let current = match current {
        Some(id) => bodies::dictionary(conn, id).await?.map(Arc::new),
        None => None,
    };
    let samples = samples(conn, project).await?;
    let trained = tokio::task::block_in_place(|| better(&samples, current.as_deref()))?;
    if let Some(body) = &trained {
        tracing::info!(project.id = project.0, bytes = body.len(), "trained a dictionary");
    }
    bodies::put_dictionary(conn, project, trained.as_deref()).await?;
    Ok(())
}

/// Bodies of the project's events, opened.
async fn samples(conn: &mut Conn, project: ProjectId) -> anyhow::Result<Vec<Vec<u8>>> {
    let since = now(conn).await?.checked_sub_days(Days::new(2)).unwrap_or_default();
    let packed = bodies::samples(conn, project, since, SAMPLES).await?;
    let mut samples = Vec::new();
    let mut bytes = 0;
    let mut used: Option<Dictionary> = None;
    for (body, dictionary) in packed {
        match dictionary {
            Some(id) if used.as_ref().is_none_or(|used| used.id != id) => {
                used = bodies::dictionary(conn, id).await?;
            }
            Some(_) | None => {}
        }
        let plain = bodies::unpack(&body, used.as_ref().filter(|_| dictionary.is_some()))?;
        bytes += plain.len();
        if bytes > SAMPLE_BYTES {
            break;
        }
        samples.push(plain);
    }
    Ok(samples)
}

/// A dictionary that packs what it was not trained on clearly better than the current one.
fn better(samples: &[Vec<u8>], current: Option<&Dictionary>) -> anyhow::Result<Option<Vec<u8>>> {
    let is_kept_back = |index: &usize| index.is_multiple_of(KEPT_BACK);
    let part = |kept_back: bool| -> Vec<&[u8]> {
        let chosen =
            samples.iter().enumerate().filter(|(index, _)| is_kept_back(index) == kept_back);
        chosen.map(|(_, sample)| sample.as_slice()).collect()
    };
    let (training, trial) = (part(false), part(true));
    let Some(body) = bodies::train(&training) else {
        return Ok(None);
    };
    // The number is not used: nothing that is packed here is stored.
    let trained = Dictionary::new(DictionaryId(0), &body);
    let (before, after) = (packed(&trial, current)?, packed(&trial, Some(&trained))?);
    Ok((after * 100 < before * GOOD_ENOUGH).then_some(body))
}

/// Bytes of all samples, packed.
fn packed(samples: &[&[u8]], dictionary: Option<&Dictionary>) -> anyhow::Result<u64> {
    let mut packer = Packer::new()?;
    let mut bytes = 0;
    for sample in samples {
        bytes += packer.pack(sample, dictionary)?.len() as u64;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(count: usize) -> Vec<Vec<u8>> {
        let frame = |n: usize| format!("{{\"function\":\"step_{n}\",\"module\":\"shop.cart\"}}");
        (0..count)
            .map(|n| {
                let frames: Vec<_> = (0..30).map(|f| frame((n * 7 + f) % 50)).collect();
                format!("{{\"order\":{n},\"frames\":[{}]}}", frames.join(",")).into_bytes()
            })
            .collect()
    }

    #[test]
    fn a_dictionary_is_adopted_when_it_pays() {
        let samples = alike(200);
        let body = better(&samples, None).unwrap().unwrap();
        let dictionary = Dictionary::new(DictionaryId(1), &body);
        // The same samples again bring nothing new.
        assert_eq!(better(&samples, Some(&dictionary)).unwrap(), None);
    }

    #[test]
    fn too_few_samples_give_none() {
        assert_eq!(better(&alike(2), None).unwrap(), None);
        assert_eq!(better(&[], None).unwrap(), None);
    }
}
