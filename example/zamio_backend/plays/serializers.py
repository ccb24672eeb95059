from datetime import timedelta

from django.utils import timezone
from rest_framework import serializers

from artists.models import Artist
from plays.models import Play

CLOCK_SKEW = timedelta(minutes=5)


class PlaySerializer(serializers.ModelSerializer):
    artist = serializers.SlugRelatedField(slug_field="slug", queryset=Artist.objects.all())
    artist_name = serializers.CharField(source="artist.name", read_only=True)
    played_at = serializers.DateTimeField(required=False)

    class Meta:
        model = Play
        fields = ["id", "artist", "artist_name", "station", "played_at"]

    def validate_played_at(self, value):
        if value > timezone.now() + CLOCK_SKEW:
            raise serializers.ValidationError("A play cannot lie in the future.")
        return value
