from django.contrib import admin
from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from artists.views import ArtistList
from core.views import health, home
from plays.views import PlayList, StatsView

urlpatterns = [
    path("", home, name="home"),
    path("health/", health, name="health"),
    path("admin/", admin.site.urls),
    path("api/auth/token/", TokenObtainPairView.as_view(), name="token"),
    path("api/auth/token/refresh/", TokenRefreshView.as_view(), name="token-refresh"),
    path("api/artists/", ArtistList.as_view(), name="artists"),
    path("api/plays/", PlayList.as_view(), name="plays"),
    path("api/stats/", StatsView.as_view(), name="stats"),
]
