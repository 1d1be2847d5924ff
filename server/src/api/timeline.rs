//! The census over time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::core::{
    names::AppName,
    time::{Moment, Period},
    timeline::Point,
};

/// `GET …/timeline`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TimelineAnswer {
    /// Which app.
    pub app: AppName,
    /// From when.
    pub from: Moment,
    /// Until when.
    pub to: Moment,
    /// At most one point in each.
    pub step: Period,
    /// In order. Where there is none, no server ran.
    #[schema(value_type = Vec<Point>)]
    pub points: Vec<Arc<Point>>,
}
