"""The reference trading platform: seven components, correct on purpose, over any venue connection."""

from certify.reference.platform import TradingPlatform
from certify.reference.settings import PlatformSettings

__all__ = ["PlatformSettings", "TradingPlatform"]
