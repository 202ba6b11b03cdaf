"""Runs the reconciler once, as it is, for one of the states of `graph.py`; tells what it asked for."""

import sys
from types import SimpleNamespace
from unittest import mock

import graph

server, token, automation, state = sys.argv[1:]

# What these modules talk with is not here: the server of desired states, the vault and the directory.
# They would need thirty packages more.
for elsewhere in (
    "reconcile.ldap_groups.integration",
    "reconcile.typed_queries.app_interface_vault_settings",
    "reconcile.utils.gql",
    "reconcile.utils.internal_groups.client",
    "reconcile.utils.secret_reader",
):
    sys.modules[elsewhere] = mock.MagicMock()

import requests  # noqa: E402
from reconcile.glitchtip import integration  # noqa: E402
from reconcile.utils.glitchtip import GlitchtipClient  # noqa: E402


def secret(name):
    return {"path": name, "field": name, "version": None, "format": None}


INSTANCE = {
    "name": "test",
    "description": "",
    "consoleUrl": server,
    "automationUserEmail": secret("email"),
    "automationToken": secret("token"),
    "readTimeout": None,
    "maxRetries": None,
    "mailDomain": "example.com",
    "glitchtipJiraBridgeAlertUrl": None,
    "glitchtipJiraBridgeToken": None,
}
ANSWERS = {
    integration.GLITCHTIP_INSTANCE_DEFINITION: {"instances": [INSTANCE]},
    integration.GLITCHTIP_PROJECT_DEFINITION: {"glitchtip_projects": graph.STATES[state]},
}
SECRETS = {"email": automation, "token": token}


def group(name):
    return SimpleNamespace(members=[SimpleNamespace(id=member) for member in graph.GROUPS[name]])


integration.gql.get_api().query.side_effect = lambda query, **_: ANSWERS[query]
integration.create_secret_reader().read_secret.side_effect = lambda found: SECRETS[found.field]
integration.InternalGroupsClient().group.side_effect = group


class TellingClient(GlitchtipClient):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.session.hooks["response"].append(self._tell)

    @staticmethod
    def _tell(response, *args, **kwargs):
        request = response.request
        print(request.method, request.path_url, response.status_code)


integration.GlitchtipClient = TellingClient
try:
    integration.run(dry_run=False)
except requests.HTTPError as error:
    # It deletes a member or a team, and then takes what is gone out of what is left. There it ends,
    # with GlitchTip too; what is missing, its next run does.
    asked = error.request
    if (asked.method, error.response.status_code) != ("DELETE", 404) or "/teams/" not in asked.url:
        raise
