import logging

from celery import shared_task
from django.db.models import Count
from django.utils import timezone

from artists.models import Artist
from plays import live
from plays.models import PlayTotal

log = logging.getLogger(__name__)


@shared_task
def count_plays() -> int:
    """Count the plays of each artist, store the totals, tell the live counter; returns the sum of all plays."""
    counted_at = timezone.now()
    totals = [
        PlayTotal(artist_id=artist_id, total=plays, counted_at=counted_at)
        # In the order of the key, so that two counts at the same time lock rows in the same order.
        for artist_id, plays in Artist.objects.annotate(plays=Count("play")).order_by("pk").values_list("pk", "plays")
    ]
    PlayTotal.objects.bulk_create(
        totals, update_conflicts=True, unique_fields=["artist"], update_fields=["total", "counted_at"]
    )
    total = sum(row.total for row in totals)
    live.publish(total, counted_at)
    log.info("counted %d plays of %d artists", total, len(totals))
    return total
