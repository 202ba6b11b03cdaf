//! How many organizations, projects and events there are: GlitchTip's gauges, measured once for all
//! processes.
//!
//! The leading beat measures them, prints them and keeps them in PostgreSQL. Web prints what was
//! kept where GlitchTip's web processes print theirs.

use mishap_boot::metrics::{Description, Family};
use mishap_storage::measures::Tenants;

const ORGANIZATIONS: Description = Description::Gauge("glitchtip_organizations", "Organizations.");
const PROJECTS: Description =
    Description::Gauge("glitchtip_projects", "Projects, by organization.");
const EVENTS: Description =
    Description::Gauge("glitchtip_events", "Events stored within the retention, by project.");

/// What [`families`] gives.
pub const METRICS: &[Description] = &[ORGANIZATIONS, PROJECTS, EVENTS];

/// What was measured, as metrics.
#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
pub fn families(tenants: &Tenants) -> Vec<Family> {
    let (mut projects, mut events) = (Family::new(PROJECTS), Family::new(EVENTS));
    for of_organization in tenants.projects.chunk_by(|a, b| a.organization == b.organization) {
        let Some(first) = of_organization.first() else { continue };
        projects.add(&[("organization", &first.organization)], of_organization.len() as f64);
        for project in of_organization {
            let labels = [
                ("organization", project.organization.as_str()),
                ("project", project.project.as_str()),
            ];
            events.add(&labels, project.events as f64);
        }
    }
    vec![Family::single(ORGANIZATIONS, tenants.organizations as f64), projects, events]
}
