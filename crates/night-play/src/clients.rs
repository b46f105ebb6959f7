//! Clients of services by their address; they connect when they are used, and again after a failure.

use hattama_proto::{
    gateway::v1::precinct_gateway_client::PrecinctGatewayClient,
    national::v1::national_results_client::NationalResultsClient,
};
use hattama_service_kit::grpc::{self, GrpcError, MAX_ANSWER_BYTES};
use std::net::SocketAddr;
use tonic::transport::Channel;

/// A client of a precinct gateway.
///
/// # Errors
/// When the address cannot be one of a service.
pub fn gateway(address: SocketAddr) -> Result<PrecinctGatewayClient<Channel>, GrpcError> {
    Ok(PrecinctGatewayClient::new(channel(address)?))
}

/// A client of the national service.
///
/// # Errors
/// As [`gateway`].
pub fn national(address: SocketAddr) -> Result<NationalResultsClient<Channel>, GrpcError> {
    Ok(NationalResultsClient::new(channel(address)?).max_decoding_message_size(MAX_ANSWER_BYTES))
}

fn channel(address: SocketAddr) -> Result<Channel, GrpcError> {
    Ok(grpc::endpoint(&format!("http://{address}"))?.connect_lazy())
}
