//! Endpoints: what is served where, who may ask for it, and what it looks like from outside.
//!
//! An endpoint is a row of a table: method, path, the name that metrics give it, the [`Permission`] it
//! needs, and its handler. Nothing is routed that is not in a table. What a handler takes and gives is
//! read off its types, for the API's description ([`crate::openapi`]).

use std::collections::BTreeMap;
use std::rc::Rc;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Responder, Route};

use crate::access::{Permission, authorize};
use crate::openapi::{Answer, Inputs, Operation};

/// A row of a table of endpoints.
pub struct Endpoint {
    /// `GET`, `POST`, ….
    pub method: Method,
    /// The path below the table's prefix, with a slash at its end.
    pub path: &'static str,
    /// The name by which metrics tell it (GlitchTip's).
    pub view: &'static str,
    /// Who may ask.
    pub permission: Permission,
    /// Says what the handler takes and gives.
    pub describe: fn(&mut Operation<'_>),
    route: Route,
}

macro_rules! methods {
    ($($name:ident = $method:ident;)+) => {$(
        #[doc = concat!("An endpoint for `", stringify!($method), "`.")]
        pub fn $name<F, Args>(
            path: &'static str,
            view: &'static str,
            permission: Permission,
            handler: F,
        ) -> Endpoint
        where
            F: Handler<Args>,
            Args: FromRequest + Inputs + 'static,
            F::Output: Responder + Answer + 'static,
        {
            Endpoint {
                method: Method::$method,
                path,
                view,
                permission,
                describe: |operation| {
                    Args::describe(operation);
                    F::Output::describe(operation);
                },
                route: web::method(Method::$method).to(handler),
            }
        }
    )+};
}

methods! {
    get = GET;
    post = POST;
    put = PUT;
    patch = PATCH;
    delete = DELETE;
}

/// Routes the endpoints of a table under a prefix, in the order of their paths' first appearance. What
/// has a slash at its end is there without it too.
pub fn register(config: &mut ServiceConfig, prefix: &str, endpoints: Vec<Endpoint>) {
    route(config, prefix, endpoints, |path| path.trim_end_matches('/').to_owned());
}

/// Routes the endpoints of a table of pages. People type and paste addresses with a slash at their end
/// and without.
pub(crate) fn register_pages(config: &mut ServiceConfig, endpoints: Vec<Endpoint>) {
    route(config, "", endpoints, |path| match path.strip_suffix('/') {
        Some(bare) => bare.to_owned(),
        None => format!("{path}/"),
    });
}

/// Routes each path, and its other spelling.
fn route(
    config: &mut ServiceConfig,
    prefix: &str,
    endpoints: Vec<Endpoint>,
    other: fn(&str) -> String,
) {
    let mut order: Vec<&'static str> = Vec::new();
    let mut by_path: BTreeMap<&'static str, Vec<Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        if !by_path.contains_key(endpoint.path) {
            order.push(endpoint.path);
        }
        by_path.entry(endpoint.path).or_default().push(endpoint);
    }
    for path in order {
        let endpoints = by_path.remove(path).unwrap_or_default();
        // Both spellings lead to the handler: a redirect would lose what some clients send.
        let path = format!("{prefix}{path}");
        let other = other(&path);
        let mut resource = web::resource([path, other]);
        if let Some(first) = endpoints.first() {
            resource = resource.name(first.view);
        }
        let allowed: Vec<_> =
            endpoints.iter().map(|endpoint| endpoint.method.as_str().to_owned()).collect();
        let permissions: Vec<_> = endpoints
            .iter()
            .map(|endpoint| (endpoint.method.clone(), endpoint.permission))
            .collect();
        let permissions: Rc<[(Method, Permission)]> = permissions.into();
        for endpoint in endpoints {
            resource = resource.route(endpoint.route);
        }
        let allowed =
            HeaderValue::from_str(&allowed.join(", ")).unwrap_or(HeaderValue::from_static("GET"));
        let refuse = move || std::future::ready(method_not_allowed(allowed.clone()));
        config.service(resource.default_service(web::to(refuse)).wrap(from_fn(
            move |request, next| {
                let permissions = Rc::clone(&permissions);
                async move { authorize(&permissions, request, next).await }
            },
        )));
    }
}

fn method_not_allowed(allowed: HeaderValue) -> HttpResponse {
    HttpResponse::MethodNotAllowed()
        .insert_header((ALLOW, allowed))
        .content_type("text/html; charset=utf-8")
        .body("Method not allowed")
}
