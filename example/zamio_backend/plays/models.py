from django.conf import settings
from django.db import models
from django.utils import timezone

from artists.models import Artist


class Play(models.Model):
    """One airing of an artist by a station."""

    artist = models.ForeignKey(Artist, on_delete=models.PROTECT)
    station = models.CharField(max_length=80)
    played_at = models.DateTimeField(default=timezone.now, db_index=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["-played_at", "-id"]

    def __str__(self):
        return f"{self.artist} on {self.station}"


class PlayTotal(models.Model):
    """What the last run of `count_plays` found for an artist."""

    artist = models.OneToOneField(Artist, primary_key=True, on_delete=models.CASCADE)
    total = models.PositiveBigIntegerField()
    counted_at = models.DateTimeField()

    def __str__(self):
        return f"{self.artist}: {self.total}"
