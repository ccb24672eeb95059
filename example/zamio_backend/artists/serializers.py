from rest_framework import serializers

from artists.models import Artist


class ArtistSerializer(serializers.ModelSerializer):
    plays = serializers.IntegerField(read_only=True)

    class Meta:
        model = Artist
        fields = ["slug", "name", "publisher", "plays"]
