"""Defects of the simulated gateway: what it forgets, denies or says wrong, whatever the system does."""

from __future__ import annotations

from typing import Any

from certify.defects.ib_wrap import Collected

planted = Collected("gateway")


@planted("gateway_lets_second_client_in", "a client id that is in use is given to a second client")
def _gateway_lets_second_client_in(gateway: Any) -> None:
    gateway.in_use = lambda _client_id: False


@planted("gateway_forgets_order_ids", "every session is told to number its orders from one")
def _gateway_forgets_order_ids(gateway: Any) -> None:
    gateway.next_valid_id = lambda _client_id: 1


@planted("gateway_lists_no_executions", "a client that asks for executions is told of none")
def _gateway_lists_no_executions(gateway: Any) -> None:
    gateway.orders.known = lambda _execution: False


@planted("gateway_says_1102_for_1101", "the data were lost, and the gateway says that they were kept")
def _gateway_says_1102_for_1101(gateway: Any) -> None:
    connectivity = gateway.faults.connectivity

    def mistaken(state: str) -> None:
        connectivity("restored" if state == "restored_data_lost" else state)
        if state == "restored_data_lost":
            gateway.tell_fault(state)

    gateway.faults.connectivity = mistaken


@planted("gateway_busts_in_silence", "an execution that is taken back is not told, and the position keeps it")
def _gateway_busts_in_silence(gateway: Any) -> None:
    gateway.orders.interventions.bust = lambda _exec_id: []


DEFECTS = tuple(planted.defects)
