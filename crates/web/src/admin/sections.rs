//! The sections of the administrator's pages.

use mishap_storage::oversight::Attention;
use mishap_templates::link::Link;
use mishap_templates::paths;
use mishap_templates::shell::{Navigation, NavigationGroup, NavigationItem};

/// What wants to be looked at in a section.
type Count = fn(Attention) -> i64;

/// A section: its name, where it is, and what is counted in it.
type Section = (&'static str, &'static str, Option<Count>);

/// Groups of sections, by what they have in common.
const GROUPS: &[(&str, &[Section])] = &[
    (
        "Installation",
        &[
            ("Status", paths::ADMIN, None),
            ("Dead letters", "/admin/dead-letters/", Some(|counts| counts.dead_letters)),
            ("Failed jobs", "/admin/jobs/", Some(|counts| counts.failed_jobs)),
            ("Partitions", "/admin/partitions/", None),
            ("Limits", "/admin/quotas/", None),
            ("Configuration", "/admin/configuration/", None),
            ("Audit log", "/admin/audit/", None),
        ],
    ),
    (
        "Data",
        &[("Organizations", "/admin/organizations/", None), ("Projects", "/admin/projects/", None)],
    ),
    (
        "People",
        &[
            ("Users", "/admin/users/", None),
            ("API tokens", "/admin/tokens/", None),
            ("Sign-in providers", "/admin/providers/", None),
        ],
    ),
];

/// The sections, as they stand beside the page with this path.
pub(super) fn of(here: &str, attention: Attention) -> Navigation {
    let here = format!("{}/", here.trim_end_matches('/'));
    let item = |(label, path, count): &Section| NavigationItem {
        label: (*label).to_owned(),
        link: Link::within(*path),
        count: count.and_then(|count| u64::try_from(count(attention)).ok().filter(|n| *n > 0)),
        is_current: match *path {
            paths::ADMIN => here == paths::ADMIN,
            path => here.starts_with(path),
        },
    };
    let group = |(title, items): &(&str, &[Section])| NavigationGroup {
        title: (*title).to_owned(),
        items: items.iter().map(item).collect(),
    };
    let groups = GROUPS.iter().map(group).collect();
    Navigation { label: "Administration".to_owned(), groups }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_section_is_the_page_s() {
        for (here, label) in [
            ("/admin", "Status"),
            ("/admin/", "Status"),
            ("/admin/users/7/tokens/new", "Users"),
            ("/admin/organizations/7/members/", "Organizations"),
        ] {
            let navigation = of(here, Attention::default());
            let items = navigation.groups.iter().flat_map(|group| &group.items);
            let current: Vec<_> = items.filter(|item| item.is_current).collect();
            assert_eq!(current.len(), 1, "{here}");
            assert_eq!(current.first().unwrap().label, label);
        }
    }

    #[test]
    fn what_wants_to_be_looked_at_is_counted() {
        let navigation = of("/admin/", Attention { dead_letters: 3, failed_jobs: 0 });
        let items = navigation.groups.iter().flat_map(|group| &group.items);
        let counts: Vec<_> = items.filter_map(|item| item.count).collect();
        assert_eq!(counts, [3]);
    }
}
