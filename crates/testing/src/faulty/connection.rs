//! One connection of a faulty origin.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{FAULT, Fault, Step};

/// What an HTTP/2 client says first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The frame that a request begins with (RFC 9113, section 6.2).
const HEADERS: u8 = 1;

/// An error is the other side's end of the connection, which it sees itself.
pub(super) async fn serve(mut stream: TcpStream, tls: Option<Arc<ServerConfig>>, fault: Fault) {
    let (before, answer) = match fault {
        Fault::Refuse => return,
        Fault::Connection(steps) => (steps, Vec::new()),
        Fault::Answer(steps) => (Vec::new(), steps),
    };
    let resets = before.iter().chain(&answer).any(|step| matches!(step, Step::Reset));
    let set = if resets { stream.set_zero_linger() } else { Ok(()) };
    if set.and_then(|()| stream.set_nodelay(true)).is_err()
        || !matches!(run(&mut stream, &before).await, Ok(ControlFlow::Continue(())))
    {
        return;
    }
    let _ = match tls.map(TlsAcceptor::from) {
        None => exchange(&mut stream, &answer).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(mut stream) => exchange(&mut stream, &answer).await,
            Err(error) => Err(error),
        },
    };
}

async fn run<S>(stream: &mut S, steps: &[Step]) -> io::Result<ControlFlow<()>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for step in steps {
        match step {
            Step::Send(bytes) => stream.write_all(bytes).await?,
            Step::Repeat(bytes, times) => {
                for _ in 0..*times {
                    stream.write_all(bytes).await?;
                }
            }
            Step::Trickle(bytes, every) => {
                for byte in bytes {
                    tokio::time::sleep(*every).await;
                    stream.write_all(&[*byte]).await?;
                    stream.flush().await?;
                }
            }
            Step::Wait(time) => tokio::time::sleep(*time).await,
            Step::Silence => {
                while stream.read(&mut [0; 1024]).await? > 0 {}
                return Ok(ControlFlow::Break(()));
            }
            Step::Close => {
                stream.shutdown().await?;
                return Ok(ControlFlow::Break(()));
            }
            // By being dropped, for a reset with no time to linger.
            Step::Cut | Step::Reset => return Ok(ControlFlow::Break(())),
        }
        stream.flush().await?;
    }
    Ok(ControlFlow::Continue(()))
}

/// Answers requests until the connection ends. Their bodies are not looked for.
async fn exchange<S>(stream: &mut S, fault: &[Step]) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut read = Vec::new();
    loop {
        let Asked { target, tenant } = asked(stream, &mut read).await?;
        if target.ends_with(FAULT) {
            if run(stream, fault).await?.is_break() {
                return Ok(());
            }
            continue;
        }
        let body = format!("{tenant} {target}");
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nx-tenant-id: {tenant}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

struct Asked {
    target: String,
    tenant: String,
}

/// Reads to the end of the next request's head; `read` keeps what follows it.
async fn asked<S: AsyncRead + Unpin>(stream: &mut S, read: &mut Vec<u8>) -> io::Result<Asked> {
    loop {
        if read.starts_with(PREFACE) {
            if let Some(frames) = read.get(PREFACE.len()..)
                && has_request(frames)
            {
                read.truncate(PREFACE.len());
                return Ok(Asked { target: FAULT.to_owned(), tenant: String::new() });
            }
        } else if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n")
            && !PREFACE.starts_with(read)
        {
            let rest = read.split_off(end + 4);
            let head = std::mem::replace(read, rest);
            return Ok(parse(&String::from_utf8_lossy(&head)));
        }
        if stream.read_buf(read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn parse(head: &str) -> Asked {
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let tenant = head.lines().find_map(|line| line.strip_prefix("x-tenant-id: "));
    Asked { target, tenant: tenant.unwrap_or_default().to_owned() }
}

/// Whether one of these HTTP/2 frames begins a request (RFC 9113, section 4.1).
fn has_request(mut frames: &[u8]) -> bool {
    while let [high, middle, low, kind, _, _, _, _, _, rest @ ..] = frames {
        if *kind == HEADERS {
            return true;
        }
        let length = u32::from_be_bytes([0, *high, *middle, *low]);
        frames = usize::try_from(length).ok().and_then(|n| rest.get(n..)).unwrap_or_default();
    }
    false
}
