"""What operators want to have, as the reconciler's own server would tell it."""


def role(organization, role, *users):
    return {
        "glitchtip_roles": [{"organization": {"name": organization}, "role": role}],
        "users": [{"name": user, "org_username": user} for user in users],
    }


def team(name, *roles, groups=(), group_role=None):
    return {
        "name": name,
        "roles": list(roles),
        "ldapGroups": list(groups),
        "membersOrganizationRole": group_role,
    }


def project(organization, name, *teams, platform="python", slug=None, throttle=None):
    return {
        "name": name,
        "platform": platform,
        "projectId": slug,
        "eventThrottleRate": throttle,
        "teams": list(teams),
        "organization": {"name": organization, "instance": {"name": "test"}, "owners": ["ops"]},
        "namespaces": [],
        "app": {"path": "space", "escalationPolicy": {"channels": {"jiraBoard": []}}},
    }


# Who belongs to the groups of the directory.
GROUPS = {"esa-pilots": ["samantha-cristoforetti"]}

NASA_FLIGHT_CONTROL = team(
    "nasa-flight-control",
    role("NASA", "owner", "global-flight-director"),
    role("NASA", "member", "michael-collins"),
)
NASA_PILOTS = team("nasa-pilots", role("NASA", "member", "neil-armstrong", "buzz-aldrin"))
ESA_FLIGHT_CONTROL = team(
    "esa-flight-control",
    role("ESA", "owner", "global-flight-director"),
    role("ESA", "member", "matthias-maurer", "tim-peake"),
)
ESA_PILOTS = team("esa-pilots", groups=["esa-pilots"], group_role="admin")

APOLLO = [
    project("NASA", "apollo-11-flight-control", NASA_FLIGHT_CONTROL, NASA_PILOTS),
    project("NASA", "apollo-11-spacecraft", NASA_PILOTS, throttle=10),
]
ROSETTA = [
    project("ESA", "Rosetta flight control", ESA_FLIGHT_CONTROL, ESA_PILOTS),
    project("ESA", "rosetta-spacecraft", ESA_PILOTS, platform="go"),
]

# One pilot is gone, and another promoted; flight control is over, with whoever was in nothing else;
# the spacecraft gets a fuller name under the slug that it has, and one more team.
RECOVERY = team("nasa-recovery", role("NASA", "member", "michael-collins"))
COMMAND = team("nasa-pilots", role("NASA", "manager", "neil-armstrong"))
RETURNED = [
    project("NASA", "apollo-11-flight-control", COMMAND),
    project("NASA", "Columbia and Eagle", COMMAND, RECOVERY, slug="apollo-11-spacecraft"),
]

STATES = {
    "flight": APOLLO + ROSETTA,
    "return": RETURNED + ROSETTA,
    "nothing": [],
}
