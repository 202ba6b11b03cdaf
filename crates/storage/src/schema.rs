//! Tables that are queried through diesel's builder. A test compares this with the database.

diesel::table! {
    users (id) {
        id -> BigInt,
        email -> Text,
        name -> Text,
        password_hash -> Nullable<Text>,
        is_active -> Bool,
        is_staff -> Bool,
        is_superuser -> Bool,
        created_at -> Timestamptz,
        last_login_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    organizations (id) {
        id -> BigInt,
        name -> Text,
        slug -> Text,
        created_at -> Timestamptz,
        is_accepting_events -> Bool,
        event_throttle_rate -> SmallInt,
        scrub_ip_addresses -> Bool,
        open_membership -> Bool,
    }
}

diesel::table! {
    members (id) {
        id -> BigInt,
        organization_id -> BigInt,
        user_id -> BigInt,
        role -> SmallInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> BigInt,
        user_id -> BigInt,
        token_hash -> Binary,
        label -> Text,
        scopes -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    projects (id) {
        id -> BigInt,
        organization_id -> BigInt,
        name -> Text,
        slug -> Text,
        platform -> Nullable<Text>,
        created_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        first_event_at -> Nullable<Timestamptz>,
        event_throttle_rate -> SmallInt,
        scrub_ip_addresses -> Bool,
        scrub_secrets -> Bool,
        grouping_mechanism -> SmallInt,
        dictionary_tried_at -> Nullable<Timestamptz>,
        last_issue_number -> BigInt,
    }
}

diesel::table! {
    project_keys (id) {
        id -> BigInt,
        project_id -> BigInt,
        public_key -> Uuid,
        label -> Text,
        is_active -> Bool,
        rate_limit_count -> Nullable<Integer>,
        rate_limit_window -> Nullable<Integer>,
        created_at -> Timestamptz,
    }
}

diesel::joinable!(members -> organizations (organization_id));
diesel::joinable!(members -> users (user_id));
diesel::joinable!(api_tokens -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    organizations,
    members,
    api_tokens,
    projects,
    project_keys
);
