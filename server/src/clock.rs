//! The wall clock, read at the edges only.

use crate::core::time::Moment;

/// Now.
pub fn now() -> Moment {
    Moment(jiff::Timestamp::now().as_millisecond())
}
