//! One page of a list.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Context, problem::ApiError, request::query};

const DEFAULT: usize = 100;
const MOST: usize = 1000;

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many, at most 1000; default 100.
    limit: Option<usize>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl FromRequestParts<Arc<Context>> for PageQuery {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<Context>) -> Result<Self, ApiError> {
        query(parts)
    }
}

impl PageQuery {
    /// How many.
    pub fn limit(&self) -> Result<usize, ApiError> {
        match self.limit.unwrap_or(DEFAULT) {
            limit @ 1..=MOST => Ok(limit),
            _ => Err(ApiError::invalid("limit", format!("limit is 1 to {MOST}"))),
        }
    }

    /// The last one of the page before.
    pub fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, ApiError> {
        let wrong = |_| ApiError::invalid("cursor", "cursor must be 'next' of the page before");
        self.cursor.as_deref().map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// Takes a page of what comes in order, and the cursor of the next one.
    pub fn take<T>(
        &self,
        all: impl Iterator<Item = T>,
        cursor: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Option<String>), ApiError> {
        let limit = self.limit()?;
        let mut page: Vec<T> = all.take(limit + 1).collect();
        let more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().filter(|_| more).map(cursor);
        Ok((page, next))
    }
}
