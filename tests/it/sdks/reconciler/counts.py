"""Counts the events of every project, as the reconciler's command for operators does."""

import sys
from datetime import datetime

from reconcile.utils.glitchtip import GlitchtipClient
from reconcile.utils.rest_api_base import BearerTokenAuth

server, token, start, end = sys.argv[1:]
start, end = datetime.fromisoformat(start), datetime.fromisoformat(end)
with GlitchtipClient(host=server, auth=BearerTokenAuth(token)) as client:
    for project in client.all_projects():
        organization = project.organization.slug
        counted = client.project_statistics(organization, project.pk, start, end)
        print(organization, project.slug, counted.events)
