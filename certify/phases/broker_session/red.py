"""Which planted defects turn which check of a broker session red, as proved by the self-test."""

from __future__ import annotations

_TABLE = """
market_data.farm_broken_said: ib_stale_data_unsaid ib_quotes_repeated_in_silence
market_data.good_news: ib_good_news_alarms
market_data.delayed_marked: ib_delayed_unmarked ib_once_delayed_always_delayed
market_data.not_subscribed_said: ib_delayed_unmarked
market_data.competing_session_said: ib_stale_data_unsaid ib_quotes_repeated_in_silence
market_data.torn_frames: ib_quotes_thinned
market_data.same_as_gateway: ib_quotes_thinned ib_sizes_of_before
market_data.never_half_moved: ib_quotes_half_moved
market_data.line_limit_said: ib_stale_data_unsaid
market_data.lines_given_back: ib_lines_never_given_back
market_data.lines_after_reset: ib_lines_forgotten_after_login ib_lines_all_after_login
market_data.lines_after_1101: ib_1101_taken_for_1102 gateway_says_1102_for_1101
market_data.lines_after_1102: ib_1102_taken_for_1101
market_data.reset_in_message: ib_bid_of_the_old_connection ib_lines_forgotten_after_login
market_data.silent_while_lost: ib_trouble_unsaid ib_quotes_repeated_in_silence
broker.account_identity: ib_account_of_somebody_else
broker.execution_times: ib_times_in_local_zone
broker.pacing_kept: ib_pacing_off
broker_framework.intruder_harmless: gateway_lets_second_client_in
broker_framework.client_id_taken: ib_connected_whatever_happens ib_gives_up
broker.no_login_storm: ib_no_back_off
broker.clock_offset_said: ib_clock_never_compared
broker.port_closed_said: ib_losses_unsaid ib_gives_up
broker.connectivity_said: ib_losses_unsaid
broker.half_open_found: ib_losses_unsaid
broker.questions_half_open: ib_questions_wait_for_ever
broker.order_survives_reset: ib_login_ends_orders
broker.nightly_reset: ib_login_ends_orders
broker.auto_restart: ib_login_ends_orders ib_gives_up
broker_framework.connected_true: ib_connected_whatever_happens
trade_monitor.link_alert_silent_link: ib_disconnect_without_alert
trade_monitor.nightly_no_flood: ib_alert_flood
broker.reject_is_reject: ib_reject_called_cancel ib_reasons_dropped
broker.read_only: ib_reasons_dropped ib_reject_called_cancel
broker.tick_violation: ib_110_leaves_limbo
broker.warnings_harmless: ib_warnings_end_orders
broker.cancel_answers_harmless: ib_cancel_answers_end_orders
broker.change_answers_harmless: ib_change_answers_end_orders
broker.refused_change_keeps_order: ib_refused_change_taken
broker.held_lives: ib_held_is_dead
broker.message_lives: ib_messages_are_rejects
broker.unacknowledged_said: ib_unanswered_unsaid ib_unanswered_sent_again
broker.late_acknowledgement: ib_impatient
broker.cancel_overtaken: ib_cancel_wins
broker.unsolicited_cancel: ib_unsolicited_cancel_unsaid
broker.refusal_then_order: ib_order_lost_after_reject
broker.partial_fill_counts: ib_second_fill_dropped
broker.duplicate_execution: ib_executions_counted_twice
broker.execution_first: ib_early_execution_dropped
broker.status_lost: ib_filled_by_status_only
broker.commission_late: ib_late_commission_dropped
broker.commission_lost: ib_waits_for_commission
broker.busted_execution: ib_bust_ignored gateway_busts_in_silence
broker.corrected_execution: ib_correction_counts_again
broker.account_at_gateway: ib_equity_is_cash
trade_monitor.figures_at_gateway: ib_figures_count_messages
execution.fills_through_1100: ib_fills_of_outage_lost ib_fills_of_outage_doubled
execution.fills_through_1101: ib_fills_of_outage_lost
execution.fills_through_closed_port: ib_fills_of_outage_lost gateway_lists_no_executions
execution.fills_through_silence: ib_fills_of_outage_lost
execution.order_during_1100: ib_refused_but_sent
execution.order_into_silence: ib_unanswered_unsaid
execution.cancel_during_1100: ib_cancel_said_while_away
execution.change_during_1100: ib_change_as_second_order
execution.restart_mid_order: ib_fills_of_outage_lost gateway_lists_no_executions
execution.ids_after_restart: gateway_forgets_order_ids
execution.others_left_alone: ib_cancel_all_is_global
execution.others_fills_count: ib_others_trades_hidden
execution.matches_gateway: ib_execution_prices_rounded
"""


def _parse(table: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    last = ""
    for line in table.strip().splitlines():
        head, colon, rest = line.partition(":")
        if colon:
            last = head.strip()
        found[last] = (*found.get(last, ()), *(rest if colon else line).split())
    return found


TURNS_RED: dict[str, tuple[str, ...]] = _parse(_TABLE)
"""Check → the defects that its card names."""
