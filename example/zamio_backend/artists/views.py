from django.db.models import Count
from rest_framework.generics import ListAPIView

from artists.models import Artist
from artists.serializers import ArtistSerializer


class ArtistList(ListAPIView):
    """Every artist with the number of its plays, the most played first."""

    queryset = Artist.objects.annotate(plays=Count("play")).order_by("-plays", "name")
    serializer_class = ArtistSerializer
