//! People, and how they get in.

use super::settings;
use crate::settings::kind::Kind::{Boolean, Choice, Email, List, Secret, Text, Token, Url};
use crate::settings::kind::{WEB, any_count, seconds};

/// Who may prove who somebody is.
const SIGN_IN_KINDS: &[&str] = &["openid_connect", "github", "gitlab", "google", "microsoft"];

settings! {
    Accounts, ACCOUNTS_SETTINGS;
    read {
        USER_REGISTRATION = ["ENABLE_USER_REGISTRATION"], Boolean, "True",
            "Anybody may make an account, and unknown addresses may be invited. The first account may always be made.";
        SOCIAL_REGISTRATION = ["ENABLE_SOCIAL_APPS_USER_REGISTRATION"], Boolean,
            "$ENABLE_USER_REGISTRATION",
            "Whoever signs in through another service for the first time gets an account.";
        ORGANIZATION_CREATION = ["ENABLE_OPEN_USER_REGISTRATION", "ENABLE_ORGANIZATION_CREATION"],
            Boolean, "False",
            "Anybody with an account may make organizations; otherwise only superusers. The first name is the older one and, in spite of its words, means the same.";
        INVITE_REQUIRE_VERIFICATION = ["EMAIL_INVITE_REQUIRE_VERIFICATION"], Boolean, "False",
            "Only who has a verified address may invite.";
        ATTACH_INVITED_USERS = ["MISHAP_ATTACH_INVITED_USERS"], Boolean, "False",
            "An invited person gets an account and is a member at once, without a mail (AppSRE's GlitchTip).";
        INVITE_COUNT = ["EMAIL_THROTTLE_COUNT"], any_count(), "50",
            "Invitations that one person may send within EMAIL_THROTTLE_INTERVAL.";
        INVITE_INTERVAL = ["EMAIL_THROTTLE_INTERVAL"], seconds(1), "300",
            "The time in which EMAIL_THROTTLE_COUNT invitations may be sent.";

        INITIAL_USER_EMAIL = ["INITIAL_USER_EMAIL"], Email, "",
            "The address of a superuser who is made with a new database, if INITIAL_USER_PASSWORD is set too.";
        INITIAL_USER_PASSWORD = ["INITIAL_USER_PASSWORD"], Secret, "",
            "The password of that user.";
        INITIAL_USER_AUTH_TOKEN = ["INITIAL_USER_AUTH_TOKEN"], Token, "",
            "A token of that user, with the scope org:admin.";
        API_USER_EMAIL = ["APPSRE_API_USER_{N}_EMAIL"], Email, "",
            "The address of a superuser whom `mishap ensure-api-users` makes or brings up to date; N is any number.";
        API_USER_PASSWORD = ["APPSRE_API_USER_{N}_PASSWORD"], Secret, "",
            "The password of that user; without one, only tokens work.";
        API_USER_TOKEN = ["APPSRE_API_USER_{N}_TOKEN"], Token, "",
            "A token of that user, with every scope.";

        SIGN_IN_KIND = ["MISHAP_SIGN_IN_{NAME}_KIND"], Choice(SIGN_IN_KINDS), "",
            "Makes a way to sign in, and says through whom. NAME in small letters, with dashes for underscores, stands in its addresses.";
        SIGN_IN_NAME = ["MISHAP_SIGN_IN_{NAME}_NAME"], Text, "",
            "What people see on the button; without one, NAME.";
        SIGN_IN_CLIENT_ID = ["MISHAP_SIGN_IN_{NAME}_CLIENT_ID"], Text, "",
            "What the service calls this installation; must be set.";
        SIGN_IN_CLIENT_SECRET = ["MISHAP_SIGN_IN_{NAME}_CLIENT_SECRET"], Secret, "",
            "The secret that belongs to it; must be set, except with openid_connect.";
        SIGN_IN_SERVER_URL = ["MISHAP_SIGN_IN_{NAME}_SERVER_URL"], Url(WEB), "",
            "Where the service is: the issuer or its discovery document with openid_connect, which needs one; the address of a GitHub or GitLab of one's own.";
        SIGN_IN_TENANT = ["MISHAP_SIGN_IN_{NAME}_TENANT"], Text, "",
            "The tenant, with microsoft.";
        SIGN_IN_SCOPES = ["MISHAP_SIGN_IN_{NAME}_SCOPES"], Text, "",
            "What is asked for, separated by commas or spaces; without any, what is usual.";
        SIGN_IN_GROUPS_CLAIM = ["MISHAP_SIGN_IN_{NAME}_GROUPS_CLAIM"], Text, "groups",
            "The claim that lists a person's groups.";
        SIGN_IN_ROLES = ["MISHAP_SIGN_IN_{NAME}_ROLES"], List, "",
            "Who becomes what: `group=organization-slug:role`, with the roles viewer, member, admin, manager and owner.";
        GITLAB_URL = ["SOCIALACCOUNT_PROVIDERS_gitlab_GITLAB_URL"], Url(WEB), "",
            "Where GitLab is, for ways to sign in that do not say so themselves.";
        MICROSOFT_TENANT = ["SOCIALACCOUNT_PROVIDERS_microsoft_TENANT"], Text, "",
            "The tenant, for ways to sign in that do not name one themselves.";

        I_PAID = ["I_PAID_FOR_GLITCHTIP"], Boolean, "False",
            "Clients are told that somebody pays, and ask nobody to.";
    }
    later {
        ["SOCIALACCOUNT_PROVIDERS_gitea_GITEA_URL"], Url(WEB), "", "Where Gitea is.",
            "sign-in with Gitea";
        ["SOCIALACCOUNT_PROVIDERS_nextcloud_SERVER"], Url(WEB), "", "Where Nextcloud is.",
            "sign-in with Nextcloud";
        ["DJANGO_SUPERUSER_EMAIL"], Email, "", "The address for `createsuperuser`.",
            "the commands of manage.py";
        ["DJANGO_SUPERUSER_PASSWORD"], Secret, "", "The password for `createsuperuser`.",
            "the commands of manage.py";
    }
    ignored {}
}
