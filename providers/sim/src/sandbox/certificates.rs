//! The sandbox's own CA, and what it signs. The keys never leave the world's folder but in kubeconfigs.

use std::io::Write;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::SimError;
use crate::fleet::Access;

/// The file with the CA's certificate.
pub(crate) const CA_FILE: &str = "ca.pem";

/// The CA and the server's certificate.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    server_pem: String,
    server_key_pem: String,
}

/// For `map_err`.
fn fails<E: std::fmt::Display>(action: &'static str) -> impl FnOnce(E) -> SimError {
    move |error| SimError::Certificate { action, reason: error.to_string() }
}

impl Authority {
    /// Reads the CA of a folder, or makes one.
    pub(crate) fn open(folder: &Path) -> Result<Authority, SimError> {
        let (ca_file, key_file) = (folder.join(CA_FILE), folder.join("ca.key"));
        if !ca_file.exists() || !key_file.exists() {
            let key = KeyPair::generate().map_err(fails("make"))?;
            let certificate = authority_params().self_signed(&key).map_err(fails("make"))?;
            // The key first: a certificate without one would be taken for whole.
            write_private(&key_file, &key.serialize_pem())?;
            write_private(&ca_file, &certificate.pem())?;
        }
        let pem = std::fs::read_to_string(&ca_file).map_err(SimError::file("read", &ca_file))?;
        let key = std::fs::read_to_string(&key_file).map_err(SimError::file("read", &key_file))?;
        let key = KeyPair::from_pem(&key).map_err(fails("read"))?;
        let issuer = Issuer::new(authority_params(), key);
        let server_key = KeyPair::generate().map_err(fails("make"))?;
        let server =
            server_params().and_then(|params| params.signed_by(&server_key, &issuer)).map_err(fails("make"))?;
        Ok(Authority { pem, issuer, server_pem: server.pem(), server_key_pem: server_key.serialize_pem() })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn ca(&self) -> Result<CertificateDer<'static>, SimError> {
        CertificateDer::from_pem_slice(self.pem.as_bytes()).map_err(fails("read"))
    }

    pub(crate) fn server(&self) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), SimError> {
        let certificate = CertificateDer::from_pem_slice(self.server_pem.as_bytes()).map_err(fails("read"))?;
        let key = PrivateKeyDer::from_pem_slice(self.server_key_pem.as_bytes()).map_err(fails("read"))?;
        Ok((certificate, key))
    }

    /// How a cluster is reached on a port. A client certificate made before stays good.
    pub(crate) fn access(&self, before: Option<Access>, port: u16) -> Result<Access, SimError> {
        let server = format!("https://127.0.0.1:{port}");
        if let Some(before) = before.filter(|before| before.ca_pem == self.pem && !before.client_key_pem.is_empty()) {
            return Ok(Access { server, ..before });
        }
        let key = KeyPair::generate().map_err(fails("make"))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name("masterclient");
        params.distinguished_name.push(DnType::OrganizationName, "system:masters");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).map_err(fails("make"))?;
        Ok(Access {
            server,
            ca_pem: self.pem.clone(),
            client_certificate_pem: certificate.pem(),
            client_key_pem: key.serialize_pem(),
            client_certificate_der: certificate.der().to_vec(),
        })
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("kfplan sandbox CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params
}

fn server_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
    params.distinguished_name = name("kfplan sandbox");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// Writes a file that only its owner reads, whole or not at all.
fn write_private(path: &Path, text: &str) -> Result<(), SimError> {
    let new = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new).map_err(SimError::file("create", &new))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(SimError::file("write", &new))?;
    std::fs::rename(&new, path).map_err(SimError::file("replace", path))
}
