"""What every session may ask: the time, who this is, and what an ordinary login does not have.

Whoever asks who this is hears that it is simulated: nobody shall take this gateway for Interactive Brokers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from certify.clock import NS_PER_S
from certify.gateway.wire import answers
from certify.gateway.wire.requests import (
    CancelFundamentalData,
    CancelNewsBulletins,
    CancelScannerSubscription,
    CancelWshEventData,
    CancelWshMetaData,
    ReplaceFA,
    ReqCurrentTime,
    ReqFamilyCodes,
    ReqNewsBulletins,
    ReqNewsProviders,
    ReqSmartComponents,
    ReqSoftDollarTiers,
    RequestFA,
    ReqUserInfo,
    SetServerLogLevel,
)

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

BRAND = "certify-simulated-gateway"
"""The white branding id in userInfo (107)."""


class Reception:
    """Answers what belongs to no other desk."""

    def __init__(self, gateway: Gateway) -> None:
        """Sit at the door of `gateway`."""
        self._gateway = gateway

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request."""
        silent = (
            SetServerLogLevel, ReqNewsBulletins, CancelNewsBulletins, CancelScannerSubscription,
            CancelFundamentalData, CancelWshMetaData, CancelWshEventData,
        )  # fmt: skip
        return {
            ReqCurrentTime: self.current_time,
            ReqUserInfo: self.user_info,
            ReqFamilyCodes: self.family_codes,
            ReqSoftDollarTiers: self.soft_dollar_tiers,
            ReqSmartComponents: self.smart_components,
            ReqNewsProviders: self.news_providers,
            RequestFA: self.advisor,
            ReplaceFA: self.advisor,
            **dict.fromkeys(silent, self.nothing),
        }

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return no action."""
        return {}

    def current_time(self, client: ClientSession, request: ReqCurrentTime) -> None:  # noqa: ARG002 - no fields
        """Tell the gateway's time in whole seconds, which `clock_offset` moves."""
        client.send(answers.current_time(self._gateway.now_ns() // NS_PER_S))

    def user_info(self, client: ClientSession, request: ReqUserInfo) -> None:
        """Say that this is simulated."""
        client.send(answers.user_info(req_id=request.req_id, white_branding_id=BRAND))

    def family_codes(self, client: ClientSession, request: ReqFamilyCodes) -> None:  # noqa: ARG002 - no fields
        """List the accounts, none of which belongs to a family."""
        client.send(answers.family_codes((account, "") for account in self._gateway.account_settings))

    def soft_dollar_tiers(self, client: ClientSession, request: ReqSoftDollarTiers) -> None:
        """Answer that there are none."""
        client.send(answers.soft_dollar_tiers(req_id=request.req_id))

    def smart_components(self, client: ClientSession, request: ReqSmartComponents) -> None:
        """Answer that there are none."""
        client.send(answers.smart_components(req_id=request.req_id, rows=()))

    def news_providers(self, client: ClientSession, request: ReqNewsProviders) -> None:  # noqa: ARG002 - no fields
        """Answer that there are none."""
        client.send(answers.news_providers())

    def advisor(self, client: ClientSession, request: RequestFA | ReplaceFA) -> None:
        """Refuse: these logins manage no other people's money."""
        client.error(
            getattr(request, "req_id", -1), 321, request="faRequest",
            cause="FA data operations ignored for non FA customers.",
        )  # fmt: skip

    def nothing(self, client: ClientSession, request: object) -> None:
        """Take note and say nothing, as a TWS does."""
