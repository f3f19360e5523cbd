//! Bodies that tell a connection's holder when we wait for it and when we work for it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};

use crate::places::Holder;

/// A request's body: until its end we wait for it.
pub(crate) struct Receiving {
    body: Incoming,
    holder: Arc<Holder>,
}

impl Receiving {
    /// `body` as handlers read it.
    pub(crate) fn of(body: Incoming, holder: &Arc<Holder>) -> Body {
        if body.is_end_stream() {
            return Body::empty();
        }
        holder.wait();
        Body::new(Self { body, holder: Arc::clone(holder) })
    }
}

impl HttpBody for Receiving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.holder.work();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body: once it is sent we wait for the next request.
pub(crate) struct Answering {
    body: Body,
    holder: Arc<Holder>,
}

impl Answering {
    pub(crate) fn new(body: Body, holder: Arc<Holder>) -> Self {
        holder.work();
        Self { body, holder }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.holder.wait();
    }
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
