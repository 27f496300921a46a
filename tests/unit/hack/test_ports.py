import socket

import pytest
from frankenpanel_hack.errors import UserError
from frankenpanel_hack.ports import PublicPorts, read_ports
from frankenpanel_hack.up import refuse_taken_ports


def test_the_defaults_need_no_port_in_the_url() -> None:
    assert read_ports({}).url("shop.localhost") == "http://shop.localhost/"


def test_another_port_is_part_of_the_url() -> None:
    ports = read_ports({"FRANKENPANEL_HTTP_PORT": "8080", "FRANKENPANEL_HTTPS_PORT": "8443"})
    assert ports == PublicPorts(8080, 8443)
    assert ports.url("shop.localhost") == "http://shop.localhost:8080/"


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "80 "])
def test_what_is_no_port_is_refused_with_the_name_of_the_variable(text: str) -> None:
    with pytest.raises(UserError, match="FRANKENPANEL_HTTP_PORT"):
        read_ports({"FRANKENPANEL_HTTP_PORT": text})


def test_a_port_of_another_program_is_refused_with_the_variable_to_set() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UserError, match=rf"127\.0\.0\.1:{port}.*`FRANKENPANEL_HTTP_PORT="):
            refuse_taken_ports(PublicPorts(port, port))


def test_free_ports_are_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    refuse_taken_ports(PublicPorts(port, port))
