//! What the installation is.

use super::settings;
use crate::settings::kind::Kind::{Boolean, Path, Secret, Secrets, Text, Url};
use crate::settings::kind::WEB;

settings! {
    Core, CORE_SETTINGS;
    read {
        PUBLIC_URL = ["GLITCHTIP_URL", "APP_URL", "GLITCHTIP_DOMAIN"], Url(WEB),
            "http://localhost:8000",
            "The address that clients and people use; it stands in DSNs, links and mails.";
        BASE_PATH = ["BASE_PATH", "FORCE_SCRIPT_NAME"], Text, "",
            "The path under which everything is served, if GLITCHTIP_URL has none.";
        SECRET_KEY = ["SECRET_KEY"], Secret, "",
            "What sessions and links in mails are signed with. Without one, or with `change_me`, one is made and kept in the database.";
        SECRET_KEY_FALLBACKS = ["SECRET_KEY_FALLBACKS"], Secrets, "",
            "Former values of SECRET_KEY whose signatures still count.";
        INSTANCE_NAME = ["GLITCHTIP_INSTANCE_NAME"], Text, "",
            "What the installation is called, on the page to sign in and in the administrator's header; Markdown.";
        ENVIRONMENT = ["ENVIRONMENT"], Text, "",
            "What kind of installation this is, `production` for instance; clients are told.";
        SHOWN_VERSION = ["GLITCHTIP_VERSION"], Text, "",
            "The version that clients are told; without one, Mishap's own.";
        TIME_ZONE = ["TIME_ZONE"], Text, "UTC",
            "The time zone of the installation; clients are told.";
        DEBUG = ["DEBUG"], Boolean, "False",
            "Say more about failures, and allow what is only good for development. Never in production.";
        ENABLE_TEST_API = ["ENABLE_TEST_API"], Boolean, "False",
            "Serve what end-to-end tests need; counts only with DEBUG.";
        SSL_CERT_FILE = ["SSL_CERT_FILE"], Path, "",
            "A file of root certificates that are trusted instead of the system's, by everything that connects.";
    }
    later {
        ["PROXY_ENV"], Boolean, "False",
            "Send what goes to other servers through the proxies that HTTP_PROXY and HTTPS_PROXY name, except to hosts in NO_PROXY.",
            "uptime checks and the importer";
        ["HTTP_PROXY", "http_proxy"], Secret, "",
            "The proxy for http URLs, if PROXY_ENV is true.", "uptime checks and the importer";
        ["HTTPS_PROXY", "https_proxy"], Secret, "",
            "The proxy for https URLs, if PROXY_ENV is true.", "uptime checks and the importer";
        ["NO_PROXY", "no_proxy"], Text, "",
            "Hosts that need no proxy, if PROXY_ENV is true.", "uptime checks and the importer";
    }
    ignored {
        ["STATIC_URL"], Text, "Pages know where their files are.";
        ["IS_LOAD_TEST", "EVENT_STORE_DEBUG", "DEBUG_TOOLBAR"], Text,
            "Switches for GlitchTip's developers.";
        ["DJANGO_SETTINGS_MODULE"], Text, "There is no Django.";
    }
}
