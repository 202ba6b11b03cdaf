//! The HTTP faces: ingest for SDKs, and the API for people's tools.
//!
//! A request touches PostgreSQL and Redis only; what takes long or talks to the outside is a job.

pub mod access;
mod account;
pub mod admin;
pub mod allauth;
pub mod api;
pub mod body;
mod browser;
mod client;
pub mod config;
mod csrf;
pub mod endpoint;
pub mod error;
pub mod fields;
mod front;
mod health;
pub mod ingest;
pub mod links;
mod mail;
mod observe;
pub mod openapi;
pub mod outside;
mod pages;
mod reference;
pub mod respond;
mod serve;
pub mod session;
mod throttle;

use std::sync::{Arc, OnceLock};

use mishap_boot::metrics::Metrics;
use mishap_core::clock::Clock;
use mishap_core::id::DictionaryId;
use mishap_core::random::Random;
use mishap_identity::passkey::Site;
use mishap_identity::provider::Http;
use mishap_queue::Redis;
use mishap_storage::Pool;
use mishap_storage::bodies::{self, Dictionary};
use quick_cache::sync::Cache;

pub use self::account::Passwords;
pub use self::account::provider::Providers;
use self::config::AppConfig;
use self::reference::Reference;

pub use self::observe::METRICS;

pub use self::serve::{ENDS_WITHIN, HEAD_TIMEOUT, RunningServer, WebConfig, main, run, start};

/// Compression dictionaries kept ready to open events with.
const DICTIONARIES: usize = 32;

/// What every handler shares.
pub struct AppState {
    /// Connections of the API.
    pub pool: Pool,
    /// What the operator said.
    pub config: AppConfig,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Sign-in providers.
    pub providers: Providers,
    /// What hashes passwords.
    pub passwords: Passwords,
    /// The site that passkeys are for; nothing if the public URL is not fit for them.
    pub site: Option<Site>,
    /// What the process measures.
    pub metrics: Metrics,
    /// Redis, which administrators look at; nothing if it is not used.
    pub redis: Option<Redis>,
    remembered: api::Remembered,
    dictionaries: Cache<DictionaryId, Arc<Dictionary>>,
    reference: OnceLock<Reference>,
}

/// What an application takes from outside.
pub struct Services {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What speaks with sign-in providers.
    pub http: Arc<dyn Http>,
    /// What the process measures.
    pub metrics: Metrics,
    /// Redis, which administrators look at; nothing if it is not used.
    pub redis: Option<Redis>,
}

impl AppState {
    /// The state of an application.
    pub fn new(pool: Pool, config: AppConfig, services: Services) -> Self {
        let Services { clock, random, http, metrics, redis } = services;
        let providers = Providers::new(http);
        let site = Site::new(&config.public_url).ok();
        let (passwords, dictionaries) = (Passwords::default(), Cache::new(DICTIONARIES));
        Self {
            pool,
            config,
            clock,
            random,
            providers,
            passwords,
            site,
            metrics,
            redis,
            remembered: api::Remembered::default(),
            dictionaries,
            reference: OnceLock::new(),
        }
    }

    /// What can be read of the API.
    fn reference(&self) -> &Reference {
        self.reference.get_or_init(|| Reference::new(&self.config))
    }

    /// The dictionary that an event's body is compressed with.
    async fn dictionary(&self, id: DictionaryId) -> Result<Arc<Dictionary>, error::ApiError> {
        if let Some(dictionary) = self.dictionaries.get(&id) {
            return Ok(dictionary);
        }
        let mut conn = self.pool.get().await?;
        let dictionary = bodies::dictionary(&mut conn, id).await?;
        let missing = || error::ApiError::Internal(anyhow::anyhow!("dictionary {id} is missing"));
        let dictionary = Arc::new(dictionary.ok_or_else(missing)?);
        self.dictionaries.insert(id, Arc::clone(&dictionary));
        Ok(dictionary)
    }
}
