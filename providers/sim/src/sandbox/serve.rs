//! The servers: TLS with HTTP/2 and HTTP/1.1 on one side, the world on the other.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::server::WebPkiClientVerifier;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::certificates::Authority;
use super::{Shared, now};
use crate::error::SimError;
use crate::wire::{Face, Mishap, Request, Response, WatchTicket};

/// The largest body that is read; what a real API server takes is far below.
const LARGEST_BODY: usize = 16 << 20;

/// The TLS side of all listeners. A client certificate is asked for, and must be ours where one comes.
pub(super) fn tls(authority: &Authority) -> Result<TlsAcceptor, SimError> {
    let fails = |error: &dyn std::fmt::Display| SimError::Certificate { action: "use", reason: error.to_string() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.ca()?).map_err(|error| fails(&error))?;
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|error| fails(&error))?;
    let (certificate, key) = authority.server()?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fails(&error))?
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate], key)
        .map_err(|error| fails(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Lets everything happen in time.
pub(super) async fn run_clock(shared: Arc<Shared>) {
    let mut changed = shared.changed.subscribe();
    loop {
        let wake = {
            let mut world = shared.world();
            world.advance(now());
            shared.finish(&mut world);
            world.next_wake()
        };
        changed.mark_unchanged();
        let pause = wake.map_or(1_000, |wake| wake.saturating_sub(now()).clamp(1, 1_000));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            _ = changed.changed() => {}
        }
    }
}

/// Accepts for clusters as they come.
pub(super) async fn accept_clusters(shared: Arc<Shared>, tls: TlsAcceptor) {
    let mut changed = shared.changed.subscribe();
    let mut running = tokio::task::JoinSet::new();
    loop {
        for (cluster, listener) in shared.fresh_listeners() {
            running.spawn(accept(shared.clone(), tls.clone(), listener, Face::Cluster(cluster)));
        }
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// Accepts connections until aborted; with it end all of them.
pub(super) async fn accept(shared: Arc<Shared>, tls: TlsAcceptor, listener: std::net::TcpListener, face: Face) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut running = tokio::task::JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Out of descriptors, or a peer gone already: neither is better at once.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        while running.try_join_next().is_some() {}
        let _ = stream.set_nodelay(true);
        running.spawn(connection(shared.clone(), tls.clone(), stream, face.clone()));
    }
}

async fn connection(shared: Arc<Shared>, tls: TlsAcceptor, stream: tokio::net::TcpStream, face: Face) {
    let Ok(stream) = tls.accept(stream).await else { return };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.to_vec());
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let (shared, face, certificate) = (shared.clone(), face.clone(), certificate.clone());
        async move { answer(shared, face, certificate, request).await }
    });
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(1_000);
    // An error here is a client that went away, or a reset that was wished for.
    let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset")]
struct Reset;

async fn answer(
    shared: Arc<Shared>,
    face: Face,
    certificate: Option<Vec<u8>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Out>, Reset> {
    let (head, body) = request.into_parts();
    let Ok(body) = http_body_util::Limited::new(body, LARGEST_BODY).collect().await else {
        return Ok(rendered(Response::empty(413)));
    };
    let authority = head
        .uri
        .authority()
        .map(|authority| authority.to_string())
        .or_else(|| head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned));
    let headers = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let request = Request {
        face,
        method: head.method.as_str().to_owned(),
        base: format!("https://{}", authority.unwrap_or_else(|| "127.0.0.1".into())),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: body.to_bytes().to_vec(),
        certificate,
        subject: None,
    };
    let mut response = shared.call(&request).await.map_err(|_| Reset)?;
    match response.mishap.take() {
        None => {}
        Some(Mishap::Reset) => return Err(Reset),
        Some(Mishap::Delayed(time)) => tokio::time::sleep(Duration::from_millis(time)).await,
        Some(Mishap::Truncated(bytes)) => return Ok(truncated(response, bytes)),
    }
    match response.watch.take() {
        None => Ok(rendered(response)),
        Some(ticket) => Ok(watched(shared, response, ticket)),
    }
}

/// The body of an answer: whole, cut off, or going on.
enum Out {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Result<Bytes, Reset>>),
}

impl Body for Out {
    type Data = Bytes;
    type Error = Reset;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Reset>>> {
        match self.get_mut() {
            Out::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Out::Stream(receiver) => receiver.poll_recv(context).map(|bytes| bytes.map(|bytes| bytes.map(Frame::data))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Out::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Out::Stream(_) => SizeHint::default(),
        }
    }
}

fn head(response: &Response) -> http::response::Builder {
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder
}

fn finished(builder: http::response::Builder, body: Out) -> http::Response<Out> {
    builder.body(body).unwrap_or_else(|_| {
        let mut broken = http::Response::new(Out::Whole(None));
        *broken.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

fn rendered(response: Response) -> http::Response<Out> {
    let builder = head(&response);
    let body = (!response.body.is_empty()).then(|| Bytes::from(response.body));
    finished(builder, Out::Whole(body))
}

fn truncated(mut response: Response, bytes: usize) -> http::Response<Out> {
    let builder = head(&response).header(http::header::CONTENT_LENGTH, response.body.len());
    response.body.truncate(bytes);
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let _ = sender.send(Ok(Bytes::from(response.body))).await;
        // In HTTP/2 a reset overtakes what is still on its way.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let _ = sender.send(Err(Reset)).await;
    });
    finished(builder, Out::Stream(receiver))
}

/// Sends what a watch has to say until it ends or the client goes.
fn watched(shared: Arc<Shared>, response: Response, mut ticket: WatchTicket) -> http::Response<Out> {
    let (sender, receiver) = mpsc::channel(16);
    let builder = head(&response);
    tokio::spawn(async move {
        let mut changed = shared.changed.subscribe();
        loop {
            let (said, seal) = {
                let mut world = shared.world();
                let said = world.watch(now(), &mut ticket);
                (said, shared.finish(&mut world))
            };
            let Some(said) = said else { return };
            if !said.is_empty()
                && (shared.log.wait(seal).await.is_err() || sender.send(Ok(Bytes::from(said))).await.is_err())
            {
                return;
            }
            tokio::select! {
                // A watch also ends, and says where it stands, by time alone.
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
                gone = changed.changed() => if gone.is_err() { return },
                () = sender.closed() => return,
            }
        }
    });
    finished(builder, Out::Stream(receiver))
}
