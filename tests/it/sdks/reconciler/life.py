"""Takes an organization through its life with every method that the client has."""

import sys

from reconcile.utils.glitchtip import GlitchtipClient
from reconcile.utils.rest_api_base import BearerTokenAuth

server, token, automation, members_are = sys.argv[1:]
IS_PENDING = members_are == "pending"

NAME = "Mercury Program 7"
SLUG = "mercury-program-7"
GUEST = "gus.grissom@example.com"

# Mishap has no alert rules yet. The last two are asked by `counts.py`.
ELSEWHERE = {
    "project_alerts",
    "create_project_alert",
    "update_project_alert",
    "delete_project_alert",
    "all_projects",
    "project_statistics",
}


class Noted:
    """The client, and which of its methods were called."""

    def __init__(self, client):
        self._client = client
        self.called = set()

    def __getattr__(self, name):
        self.called.add(name)
        return getattr(self._client, name)


def same(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def names(found):
    return sorted(item.name for item in found)


def slugs(found):
    return sorted(item.slug for item in found)


def addresses(found):
    return sorted(user.email for user in found)


def one(found, slug):
    (item,) = [item for item in found if item.slug == slug]
    return item


client = Noted(GlitchtipClient(host=server, auth=BearerTokenAuth(token)))

# The organization, which is its maker's.
same(client.organizations(), [])
made = client.create_organization(NAME)
same((made.name, made.slug), (NAME, SLUG))
(listed,) = client.organizations()
same((listed.pk, listed.name, listed.slug), (made.pk, NAME, SLUG))
(owner,) = client.organization_users(SLUG)
same((owner.email, owner.role, owner.pending), (automation, "owner", False))

# Teams, more of them than a page holds. Whoever makes one is in it.
same(client.teams(SLUG), [])
many = [f"crew-{number}" for number in range(101)]
for slug in many:
    same(client.create_team(SLUG, slug).slug, slug)
same(slugs(client.teams(SLUG)), sorted(many))
for slug in many[2:]:
    client.delete_team(SLUG, slug)
same(slugs(client.teams(SLUG)), many[:2])
same(client.team_users(SLUG, "crew-1"), [owner])

# Projects.
same(client.projects(SLUG), [])
project = client.create_project(SLUG, "crew-0", "Freedom 7", "python")
same((project.name, project.slug, project.platform), ("Freedom 7", "freedom-7", "python"))
same(project.event_throttle_rate, 0)
bare = client.create_project(SLUG, "crew-0", "liberty-bell", None)
same((bare.slug, not bare.platform), ("liberty-bell", True))
same(slugs(client.projects(SLUG)), ["freedom-7", "liberty-bell"])
same([team.slug for team in one(client.projects(SLUG), "freedom-7").teams], ["crew-0"])

both = client.add_project_to_team(SLUG, "crew-1", "freedom-7")
same([team.slug for team in both.teams], ["crew-0", "crew-1"])
same([team.slug for team in one(client.projects(SLUG), "freedom-7").teams], ["crew-0", "crew-1"])
client.remove_project_from_team(SLUG, "crew-1", "freedom-7")
same([team.slug for team in one(client.projects(SLUG), "freedom-7").teams], ["crew-0"])

updated = client.update_project(SLUG, "freedom-7", "Freedom VII", "go", 25)
listed = one(client.projects(SLUG), "freedom-7")
for found in (updated, listed):
    same((found.pk, found.name, found.slug), (project.pk, "Freedom VII", "freedom-7"))
    same((found.platform, found.event_throttle_rate), ("go", 25))

key = client.project_key(SLUG, "freedom-7")
same(key, client.project_key(SLUG, "freedom-7"))
assert key.dsn.endswith(f"@{server.removeprefix('http://')}/{project.pk}"), key
assert key.security_endpoint.startswith(f"{server}/api/{project.pk}/security/?"), key
assert key != client.project_key(SLUG, "liberty-bell"), key
try:
    client.project_key(SLUG, "apollo")
    raise AssertionError("an unknown project has a key")
except ValueError as error:
    same(str(error), "No keys found for project apollo")

# A guest, twice: who was deleted can come back.
for _ in range(2):
    guest = client.invite_user(SLUG, GUEST, "member")
    same((guest.email, guest.role, guest.pending), (GUEST, "member", IS_PENDING))
    same(addresses(client.organization_users(SLUG)), sorted([automation, GUEST]))
    same(client.update_user_role(SLUG, "manager", guest.pk).role, "manager")
    (listed,) = [user for user in client.organization_users(SLUG) if user.email == GUEST]
    same((listed.pk, listed.role, listed.pending), (guest.pk, "manager", IS_PENDING))

    joined = client.add_user_to_team(SLUG, "crew-1", guest.pk)
    same((joined.slug, addresses(joined.users)), ("crew-1", sorted([automation, GUEST])))
    client.remove_user_from_team(SLUG, "crew-1", guest.pk)
    same(addresses(client.team_users(SLUG, "crew-1")), [automation])
    client.delete_user(SLUG, guest.pk)
    same(addresses(client.organization_users(SLUG)), [automation])

# The end of everything, and that it is gone.
for slug in ("freedom-7", "liberty-bell"):
    client.delete_project(SLUG, slug)
same(client.projects(SLUG), [])
for slug in many[:2]:
    client.delete_team(SLUG, slug)
same(client.teams(SLUG), [])
client.delete_organization(SLUG)
same(client.organizations(), [])

methods = {name for name in vars(GlitchtipClient) if not name.startswith("_")}
same(client.called, methods - ELSEWHERE)
print(len(client.called), "methods were called")
