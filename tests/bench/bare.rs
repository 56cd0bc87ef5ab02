//! The bare handler: parses the same JSON into a value, answers 202, stores nothing.

use actix_web::{App, HttpResponse, HttpServer, web};

/// Serves until killed; prints its address.
pub fn serve() {
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().route("/v1/events", web::post().to(accept)))
            .workers(1)
            .bind("127.0.0.1:0")
            .unwrap();
        println!("{}", serde_json::json!({ "listen": server.addrs()[0].to_string() }));
        server.run().await.unwrap();
    });
}

async fn accept(body: web::Bytes) -> HttpResponse {
    match serde_json::from_slice::<serde_json::Value>(&body) {
        Ok(event) => HttpResponse::Accepted().json(serde_json::json!({ "id": event["id"] })),
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}
