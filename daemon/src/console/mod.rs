//! The console: its pages, which are inside this binary, and the API that they call under `/console/v1`.
//!
//! Whoever calls is an operator with a session ([`gate`]); [`route`] lists every call with the right that it wants, and
//! a test walks it with every role. The public REST API is used through [`passage`], by the same handlers. Whatever is
//! no reading is written into the audit log. Beside that lie the page of the Web IM and the links of the demo ([`im`]),
//! which know no session.

pub mod route;

pub mod demo;
mod fault;
pub(crate) mod pages;

mod accounts;
mod apps;
mod audit;
mod call;
mod certificates;
mod csv;
mod devices;
mod dist;
mod gate;
mod im;
mod kind;
mod live;
mod messages;
mod operators;
mod passage;
mod people;
mod pushes;
mod session;
mod settings;
mod statistics;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response};

use crate::context::Shared;
use fault::Fault;

/// Before the paths of its API.
pub(crate) const BASE: &str = "/console/v1";

/// Answers what is for the console and for the pages; cheap to clone.
#[derive(Clone)]
pub struct Console {
    context: Shared,
    /// The public calls, for operators.
    passage: Router,
}

impl Console {
    pub fn new(context: &Shared) -> Self {
        Self { context: context.clone(), passage: crate::rest::passage(context, passage::layer) }
    }

    /// Is this path one of ours?
    pub fn is_for(path: &str) -> bool {
        pages::is_page(path) || path.starts_with("/console") || path.starts_with("/im/")
    }

    pub async fn answer(&self, request: Request) -> Response<Body> {
        let path = request.uri().path();
        let answered = if path == BASE || path.strip_prefix(BASE).is_some_and(|rest| rest.starts_with('/')) {
            gate::answer(&self.context, &self.passage, request).await
        } else if path.starts_with("/im/") {
            im::answer(&self.context, request).await
        } else if matches!(*request.method(), Method::GET | Method::HEAD) {
            Ok(pages::answer(path, request.headers()))
        } else {
            Err(Fault::method())
        };
        answered.unwrap_or_else(Fault::into_response)
    }
}

/// What a caller who met a panic is told.
pub(crate) fn broken() -> Response<Body> {
    Fault::internal().into_response()
}
