//! Health as GlitchTip's clients ask for it, on the main port. It touches nothing.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};

/// `/_health/` and `/api/0/internal/health`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::resource(["/_health/", "/_health"])
                .name("health")
                .to(|| async { HttpResponse::Ok().content_type("text/plain").body("ok") }),
        )
        .service(web::resource("/api/0/internal/health").name("internal_health").to(|| async {
            HttpResponse::Ok()
                .content_type("application/json")
                .body(r#"{"healthy": {}, "problems": []}"#)
        }));
}
