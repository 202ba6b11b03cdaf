//! Uploaded files.

use super::settings;
use crate::settings::kind::Kind::{Boolean, Path, Secret, Text};
use crate::settings::kind::seconds;

settings! {
    Files, FILES_SETTINGS;
    read {}
    later {
        ["DEFAULT_FILE_STORAGE"], Text, "", "Where files are kept, as a path of Django's.",
            "uploaded files";
        ["AWS_S3_ENDPOINT_URL"], Text, "",
            "The server of an object storage that speaks S3, with or without https://; if set, files are kept there.",
            "uploaded files";
        ["AWS_ACCESS_KEY_ID"], Text, "", "The user of the object storage.", "uploaded files";
        ["AWS_SECRET_ACCESS_KEY"], Secret, "", "The password of the object storage.",
            "uploaded files";
        ["AWS_STORAGE_BUCKET_NAME"], Text, "", "The bucket of the object storage.",
            "uploaded files";
        ["AWS_LOCATION"], Text, "", "What the names of objects begin with.", "uploaded files";
        ["AWS_S3_USE_SSL"], Boolean, "True", "Speak to the object storage by https.",
            "uploaded files";
        ["AWS_S3_VERIFY"], Boolean, "True", "Verify the certificate of the object storage.",
            "uploaded files";
        ["AZURE_ACCOUNT_NAME"], Text, "", "The account at Azure.", "files at Azure";
        ["AZURE_ACCOUNT_KEY"], Secret, "", "The key of the account at Azure.", "files at Azure";
        ["AZURE_CONTAINER"], Text, "", "The container at Azure.", "files at Azure";
        ["AZURE_URL_EXPIRATION_SECS"], seconds(0), "", "How long addresses at Azure hold.",
            "files at Azure";
        ["GS_BUCKET_NAME"], Text, "", "The bucket at Google.", "files at Google";
        ["GS_PROJECT_ID"], Text, "", "The project at Google.", "files at Google";
        ["MEDIA_ROOT"], Path, "", "The folder that files are kept in.", "uploaded files";
    }
    ignored {
        ["MEDIA_URL", "STATICFILES_STORAGE"], Text, "Pages know where their files are.";
    }
}
